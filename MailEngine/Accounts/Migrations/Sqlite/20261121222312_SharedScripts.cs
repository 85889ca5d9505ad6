using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class SharedScripts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterColumn<long>(
                name: "AccountId",
                table: "sieve_script",
                type: "INTEGER",
                nullable: true,
                oldClrType: typeof(long),
                oldType: "INTEGER");

            migrationBuilder.AddColumn<long>(
                name: "DomainId",
                table: "sieve_script",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "Place",
                table: "sieve_script",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "IX_sieve_script_DomainId_Name",
                table: "sieve_script",
                columns: new[] { "DomainId", "Name" },
                unique: true);

            migrationBuilder.AddForeignKey(
                name: "FK_sieve_script_domain_DomainId",
                table: "sieve_script",
                column: "DomainId",
                principalTable: "domain",
                principalColumn: "Id",
                onDelete: ReferentialAction.Cascade);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "FK_sieve_script_domain_DomainId",
                table: "sieve_script");

            migrationBuilder.DropIndex(
                name: "IX_sieve_script_DomainId_Name",
                table: "sieve_script");

            migrationBuilder.DropColumn(
                name: "DomainId",
                table: "sieve_script");

            migrationBuilder.DropColumn(
                name: "Place",
                table: "sieve_script");

            migrationBuilder.AlterColumn<long>(
                name: "AccountId",
                table: "sieve_script",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L,
                oldClrType: typeof(long),
                oldType: "INTEGER",
                oldNullable: true);
        }
    }
}
